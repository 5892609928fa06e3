"""A tiny llama of random weights as a GGUF file: what a real server of models needs to start, in a second and without a download."""

import sys
from pathlib import Path

import gguf
import numpy

WIDTH, LAYERS, HEADS, CONTEXT = 64, 2, 4, 2048
# Bytes and a few marks: every text is tokens, one a byte.
MARKS = ["<unk>", "<s>", "</s>"]


def write(file: Path) -> None:
    random = numpy.random.default_rng(1)
    tokens = MARKS + [f"<0x{byte:02X}>" for byte in range(256)]
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL] + [gguf.TokenType.BYTE] * 256
    # Letters as words of their own, since an output of nothing but broken UTF-8 would be no text.
    letters = [chr(code) for code in range(ord("a"), ord("z") + 1)] + ["▁"]
    tokens += letters
    kinds += [gguf.TokenType.NORMAL] * len(letters)
    writer = gguf.GGUFWriter(str(file), "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(2 * WIDTH)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types([int(kind) for kind in kinds])
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_chat_template("{% for message in messages %}{{ message.content }}{% endfor %}")

    def weights(name: str, *shape: int, scale: float = 0.1) -> None:
        writer.add_tensor(name, (random.standard_normal(shape) * scale).astype(numpy.float32))

    weights("token_embd.weight", len(tokens), WIDTH)
    # Rows of letters point one way; others have nothing to say and never win.
    output = numpy.zeros((len(tokens), WIDTH), numpy.float32)
    output[-len(letters) :] = random.standard_normal((len(letters), WIDTH))
    writer.add_tensor("output.weight", output)
    writer.add_tensor("output_norm.weight", numpy.ones(WIDTH, numpy.float32))
    for layer in range(LAYERS):
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", numpy.ones(WIDTH, numpy.float32))
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            weights(f"blk.{layer}.{name}.weight", WIDTH, WIDTH)
        for name in ("ffn_gate", "ffn_up"):
            weights(f"blk.{layer}.{name}.weight", 2 * WIDTH, WIDTH)
        weights(f"blk.{layer}.ffn_down.weight", WIDTH, 2 * WIDTH)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    write(Path(sys.argv[1]))
