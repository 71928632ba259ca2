"""Three short papers about the field of this project, and the script that typesets them."""
