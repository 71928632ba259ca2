"""Programs that use the library through its client: an MCP server, LangChain and LlamaIndex."""
