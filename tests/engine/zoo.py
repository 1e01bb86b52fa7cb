"""One tiny model of every family: `ZOO[name](dtype)`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import diffusers as d
import torch
from engine.tiny import FLUX, TEXT, clip, flow, flux, kl, model, seeded, spoken, t5, tokenizer
from friendli_engine.model import Model

Draw = Callable[..., torch.Tensor]


def flux_controlnet(seed: int) -> Any:
    return seeded(d.FluxControlNetModel(**FLUX | {"num_single_layers": 1}), seed)


def sd15_unet(in_channels: int = 4) -> Any:
    return seeded(
        d.UNet2DConditionModel(
            sample_size=4, in_channels=in_channels, out_channels=4, block_out_channels=(16, 32),
            layers_per_block=1, down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"), cross_attention_dim=TEXT,
            attention_head_dim=8, norm_num_groups=8,
        ),
        2,
    )  # fmt: skip


def sd15(cls: Any = d.StableDiffusionPipeline, scheduler: Any = None, in_channels: int = 4) -> Any:
    return cls(
        vae=kl(scaling=0.18, shift=None),
        text_encoder=clip(),
        tokenizer=tokenizer(),
        unet=sd15_unet(in_channels),
        scheduler=scheduler or d.EulerDiscreteScheduler(beta_schedule="scaled_linear"),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def sd15_controlnet(seed: int) -> Any:
    return seeded(
        d.ControlNetModel(
            in_channels=4, block_out_channels=(16, 32), layers_per_block=1,
            down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"), cross_attention_dim=TEXT,
            attention_head_dim=8, norm_num_groups=8,
            conditioning_embedding_out_channels=(16, 16, 16, 16),
        ),
        seed,
    )  # fmt: skip


def sdxl() -> Any:
    unet = seeded(
        d.UNet2DConditionModel(
            sample_size=4, in_channels=4, out_channels=4, block_out_channels=(16, 32),
            layers_per_block=1, down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"), cross_attention_dim=2 * TEXT,
            attention_head_dim=8, norm_num_groups=8, use_linear_projection=True,
            transformer_layers_per_block=(1, 1), addition_embed_type="text_time",
            addition_time_embed_dim=8, projection_class_embeddings_input_dim=8 * 6 + TEXT,
        ),
        3,
    )  # fmt: skip
    return d.StableDiffusionXLPipeline(
        vae=kl(scaling=0.13, shift=None),
        text_encoder=clip(),
        text_encoder_2=clip(51, projected=True),
        tokenizer=tokenizer(),
        tokenizer_2=tokenizer(),
        unet=unet,
        scheduler=d.EulerDiscreteScheduler(beta_schedule="scaled_linear"),
        add_watermarker=False,
    )


SD3 = {
    "sample_size": 32, "patch_size": 1, "in_channels": 4, "attention_head_dim": 16,
    "num_attention_heads": 2, "joint_attention_dim": 2 * TEXT, "caption_projection_dim": 32,
    "pooled_projection_dim": 2 * TEXT, "out_channels": 4, "qk_norm": "rms_norm",
}  # fmt: skip


def sd3() -> Any:
    return d.StableDiffusion3Pipeline(
        transformer=seeded(d.SD3Transformer2DModel(**SD3, num_layers=2), 4),
        scheduler=flow(shift=3.0),
        vae=kl(),
        text_encoder=clip(projected=True),
        tokenizer=tokenizer(),
        text_encoder_2=clip(51, projected=True),
        tokenizer_2=tokenizer(),
        text_encoder_3=None,
        tokenizer_3=None,
    )


def sd3_controlnet(seed: int) -> Any:
    return seeded(d.SD3ControlNetModel(**SD3, num_layers=1), seed)


QWEN = {
    "patch_size": 2, "in_channels": 16, "out_channels": 4, "attention_head_dim": 16,
    "num_attention_heads": 2, "joint_attention_dim": TEXT, "axes_dims_rope": (8, 4, 4),
}  # fmt: skip


def qwen() -> Any:
    vae = seeded(
        d.AutoencoderKLQwenImage(
            base_dim=12, z_dim=4, dim_mult=[1, 2, 4], num_res_blocks=1,
            temperal_downsample=[False, True], latents_mean=[0.0] * 4, latents_std=[1.0] * 4,
        ),
        8,
    )  # fmt: skip
    return d.QwenImagePipeline(
        scheduler=flow(use_dynamic_shifting=True, max_shift=0.9, shift_terminal=0.02),
        vae=vae,
        text_encoder=None,
        tokenizer=None,
        transformer=seeded(d.QwenImageTransformer2DModel(**QWEN, num_layers=2), 5),
    )


def qwen_words(draw: Draw) -> dict[str, Any]:
    ones = torch.ones(1, 6, dtype=torch.long)
    return {
        "prompt_embeds": draw(1, 6, TEXT),
        "prompt_embeds_mask": ones,
        "negative_prompt_embeds": draw(1, 6, TEXT),
        "negative_prompt_embeds_mask": ones,
    }


def qwen_controlnet(seed: int) -> Any:
    return seeded(d.QwenImageControlNetModel(**QWEN, num_layers=1), seed)


def zimage() -> Any:
    transformer = d.ZImageTransformer2DModel(
        all_patch_size=(2,), all_f_patch_size=(1,), in_channels=4, dim=32, n_layers=1,
        n_refiner_layers=1, n_heads=1, n_kv_heads=1, cap_feat_dim=TEXT, axes_dims=[8, 12, 12],
        axes_lens=[256, 32, 32],
    )  # fmt: skip
    return d.ZImagePipeline(
        scheduler=flow(shift=3.0),
        vae=kl(),
        text_encoder=None,
        tokenizer=None,
        transformer=seeded(transformer, 11),
    )


def chroma() -> Any:
    transformer = d.ChromaTransformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=TEXT, axes_dims_rope=(4, 4, 8),
        approximator_num_channels=8, approximator_hidden_dim=32, approximator_layers=1,
    )  # fmt: skip
    return d.ChromaPipeline(
        scheduler=flow(),
        vae=kl(),
        text_encoder=t5(),
        tokenizer=tokenizer(),
        transformer=seeded(transformer, 12),
    )


def sana() -> Any:
    transformer = d.SanaTransformer2DModel(
        patch_size=1, in_channels=4, out_channels=4, num_layers=2, num_attention_heads=2,
        attention_head_dim=8, num_cross_attention_heads=2, cross_attention_head_dim=8,
        cross_attention_dim=16, caption_channels=TEXT, sample_size=32,
    )  # fmt: skip
    vae = d.AutoencoderDC(
        in_channels=3, latent_channels=4, attention_head_dim=2,
        encoder_block_types=("ResBlock", "EfficientViTBlock"),
        decoder_block_types=("ResBlock", "EfficientViTBlock"), encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8), encoder_qkv_multiscales=((), (5,)),
        decoder_qkv_multiscales=((), (5,)), encoder_layers_per_block=(1, 1),
        decoder_layers_per_block=(1, 1), downsample_block_type="conv",
        upsample_block_type="interpolate", decoder_norm_types="rms_norm", decoder_act_fns="silu",
        scaling_factor=0.41407,
    )  # fmt: skip
    return d.SanaPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=seeded(vae, 14),
        transformer=seeded(transformer, 13),
        scheduler=d.DPMSolverMultistepScheduler(
            use_flow_sigmas=True, prediction_type="flow_prediction", flow_shift=3.0
        ),
    )


def pixart() -> Any:
    transformer = d.PixArtTransformer2DModel(
        sample_size=8, num_layers=2, patch_size=2, attention_head_dim=8, num_attention_heads=3,
        caption_channels=TEXT, in_channels=4, cross_attention_dim=24, out_channels=8,
        attention_bias=True, activation_fn="gelu-approximate", num_embeds_ada_norm=1000,
        norm_type="ada_norm_single", norm_elementwise_affine=False, norm_eps=1e-6,
    )  # fmt: skip
    return d.PixArtSigmaPipeline(
        tokenizer=None,
        text_encoder=None,
        vae=kl(scaling=0.18, shift=None),
        transformer=seeded(transformer, 15),
        scheduler=d.DPMSolverMultistepScheduler(),
    )


def masked_words(draw: Draw) -> dict[str, Any]:
    """Ten tokens of which six count, and ten for what is not wanted."""
    mask = torch.ones(1, 10)
    mask[:, 6:] = 0
    return {
        "prompt_embeds": draw(1, 10, TEXT),
        "prompt_attention_mask": mask,
        "negative_prompt_embeds": draw(1, 10, TEXT),
        "negative_prompt_attention_mask": torch.ones(1, 10),
    }


def unpromptable(draw: Draw) -> dict[str, Any]:
    return masked_words(draw) | {"negative_prompt": None}


def klein() -> Any:
    transformer = d.Flux2Transformer2DModel(
        patch_size=1, in_channels=16, num_layers=1, num_single_layers=1, attention_head_dim=16,
        num_attention_heads=2, joint_attention_dim=TEXT, timestep_guidance_channels=256,
        axes_dims_rope=(4, 4, 4, 4), guidance_embeds=False,
    )  # fmt: skip
    vae = d.AutoencoderKLFlux2(
        sample_size=32, down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4, block_out_channels=(8,) * 4,
        layers_per_block=1, latent_channels=4, norm_num_groups=4, use_quant_conv=False,
        use_post_quant_conv=False,
    )  # fmt: skip
    return d.Flux2KleinPipeline(
        scheduler=flow(use_dynamic_shifting=True),
        vae=seeded(vae, 17),
        text_encoder=None,
        tokenizer=None,
        transformer=seeded(transformer, 16),
    )


def pair(draw: Draw) -> dict[str, Any]:
    return {"prompt_embeds": draw(1, 12, TEXT), "negative_prompt_embeds": draw(1, 12, TEXT)}


def lists(draw: Draw) -> dict[str, Any]:
    return {"prompt_embeds": [draw(6, TEXT)], "negative_prompt_embeds": [draw(4, TEXT)]}


def two(make: Callable[[int], Any]) -> dict[str, Any]:
    return {"first": make(30), "second": make(31)}


Zoo = dict[str, Callable[[torch.dtype], Model]]

TEXT_TO_PICTURE: Zoo = {
    "flux": lambda t: model(flux(), dtype=t),
    "flux-schnell": lambda t: model(flux(guidance_embeds=False), dtype=t),
    "flux2-klein": lambda t: spoken(klein(), pair, dtype=t),
    "sd3": lambda t: model(sd3(), dtype=t),
    "sdxl": lambda t: model(sdxl(), dtype=t),
    "sd15": lambda t: model(sd15(), dtype=t),
    "qwen-image": lambda t: spoken(qwen(), qwen_words, dtype=t),
    "z-image": lambda t: spoken(zimage(), lists, dtype=t),
    "chroma": lambda t: model(chroma(), dtype=t),
    "sana": lambda t: spoken(sana(), unpromptable, dtype=t),
    "pixart-sigma": lambda t: spoken(pixart(), unpromptable, dtype=t),
}
CONTROLLED: Zoo = {
    "flux-controlnet": lambda t: model(flux(), dtype=t, controlnets={"one": flux_controlnet(30)}),
    "flux-controlnets": lambda t: model(flux(), dtype=t, controlnets=two(flux_controlnet)),
    "sd3-controlnet": lambda t: model(sd3(), dtype=t, controlnets={"one": sd3_controlnet(30)}),
    "sd15-controlnet": lambda t: model(sd15(), dtype=t, controlnets={"one": sd15_controlnet(30)}),
    "sd15-controlnets": lambda t: model(sd15(), dtype=t, controlnets=two(sd15_controlnet)),
    "qwen-controlnet": lambda t: spoken(
        qwen(), qwen_words, dtype=t, controlnets={"one": qwen_controlnet(30)}
    ),
}
EDITING: Zoo = {
    "flux-kontext": lambda t: model(flux(d.FluxKontextPipeline), dtype=t),
    # it refuses pictures below 64 pixels
    "flux2-klein-edit": lambda t: spoken(
        klein(), pair, dtype=t, wishes={"width": 64, "height": 64, "free_aspect": False}
    ),
    "instruct-pix2pix": lambda t: model(
        sd15(d.StableDiffusionInstructPix2PixPipeline, in_channels=8), dtype=t
    ),
}
SCHEDULERS: dict[str, Callable[[], Any]] = {
    "pndm": lambda: d.PNDMScheduler(skip_prk_steps=True),
    "ddim": d.DDIMScheduler,
    "dpm++": d.DPMSolverMultistepScheduler,
    "sde-dpm++": lambda: d.DPMSolverMultistepScheduler(algorithm_type="sde-dpmsolver++"),
    "unipc": d.UniPCMultistepScheduler,
    "euler-a": d.EulerAncestralDiscreteScheduler,
    "lcm": d.LCMScheduler,
    "heun": d.HeunDiscreteScheduler,
}
