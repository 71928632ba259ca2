"""Devices and precisions of torch."""

from __future__ import annotations

import torch

from embedding.token_format import CPU_BATCH_TOKENS, GPU_BATCH_TOKENS

DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


def has_cuda() -> bool:
    """True when torch finds a usable GPU."""
    return torch.cuda.is_available()


def half_precision(device: str) -> str:
    """Returns the fast precision on `device`: bf16 if native, else fp16 (GPU) or fp32 (CPU)."""
    if is_gpu(device):
        return "bf16" if torch.cuda.is_bf16_supported() else "fp16"
    return "bf16" if torch.cpu._is_avx512_bf16_supported() else "fp32"


def is_gpu(device: str) -> bool:
    """True for a CUDA device."""
    return torch.device(device).type == "cuda"


def device_name(device: str) -> str:
    """Returns the name of the GPU, or "the CPU"."""
    return torch.cuda.get_device_name(device) if is_gpu(device) else "the CPU"


def default_batch_tokens(device: str) -> int:
    """Returns the tokens of a batch, padding included, that use the device fully."""
    return GPU_BATCH_TOKENS if is_gpu(device) else CPU_BATCH_TOKENS
