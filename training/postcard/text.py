"""Words to numbers: the tokenizer and the two small text encoders, from scratch.

Word-level on purpose: an unknown word becomes one `[UNK]`, which training sprinkles into captions,
so that it does no harm.
"""

from __future__ import annotations

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
)

from .captions import UNKNOWN, vocabulary

LENGTH = 32
"""Text tokens, padding included: the pipeline attends to the padding, so training does too."""


def make_tokenizer() -> PreTrainedTokenizerFast:
    """Lower-cased words; 0 is padding, 1 ends the text, 2 is the unknown word."""
    words = {word: index for index, word in enumerate(["[PAD]", "[END]", UNKNOWN, *vocabulary()])}
    core = Tokenizer(models.WordLevel(words, unk_token=UNKNOWN))
    core.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.StripAccents(), normalizers.Lowercase()]
    )
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    core.post_processor = processors.TemplateProcessing(
        single="$A [END]", special_tokens=[("[END]", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="[PAD]",
        eos_token="[END]",
        unk_token=UNKNOWN,
        model_max_length=LENGTH,
    )


def make_encoders(*, words: int, width: int) -> tuple[T5EncoderModel, CLIPTextModel]:
    """A 2-layer T5 for the word states and a 1-layer CLIP for the pooled state."""
    t5 = T5EncoderModel(
        T5Config(
            vocab_size=words, d_model=width, d_kv=48, d_ff=2 * width, num_layers=2, num_heads=4,
            dropout_rate=0.0, feed_forward_proj="gated-gelu", pad_token_id=0, eos_token_id=1,
        )
    )  # fmt: skip
    clip = CLIPTextModel(
        CLIPTextConfig(
            vocab_size=words, hidden_size=width, intermediate_size=2 * width, num_hidden_layers=1,
            num_attention_heads=4, max_position_embeddings=LENGTH, projection_dim=width,
            pad_token_id=0, bos_token_id=1, eos_token_id=1,
        )
    )  # fmt: skip
    return t5, clip
