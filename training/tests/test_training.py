"""Model, number formats and training run; needs torch and numpy, and is skipped without.

What is tested is that shortcuts change nothing: keys kept between calls, padding, cutting a run in two.
"""

import argparse
import tempfile
import unittest
from pathlib import Path

try:
    import numpy as np
    import torch
except ImportError as missing:
    raise unittest.SkipTest(f"no {missing.name}") from missing

import evaluate
import quantize
import sizes
import train
from batches import Batches
from generator.corpus import Corpus
from model import Sentinel
from tokenizer import learn_from_corpus

# As small as its parts allow; two layers, so that something is handed on.
TINY = sizes.Size("tiny", 32, 2, 4, 2, 64, 600, 512, "Q8_0")


def arguments(**fields):
    values = {
        "size": "tiny", "hours": 1.0, "steps": 8, "seed": 1, "muon": True, "rate": 3e-3, "batch_tokens": 1024,
        "bf16": False, "leave_out": [], "only": ["git"], **fields,
    }  # fmt: skip
    return argparse.Namespace(**values)


class ModelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        torch.set_num_threads(1)
        torch.manual_seed(3)
        cls.model = Sentinel(TINY).eval()
        cls.ids = torch.randint(0, TINY.vocab, (2, 20))

    @torch.no_grad()
    def test_a_later_token_changes_nothing_before_it(self):
        other = self.ids.clone()
        other[:, 12] += 1
        a, b = self.model.hidden(self.ids), self.model.hidden(other % TINY.vocab)
        self.assertTrue(torch.equal(a[:, :12], b[:, :12]))
        self.assertFalse(torch.allclose(a[:, 12:], b[:, 12:]))

    @torch.no_grad()
    def test_kept_keys_give_what_the_whole_text_gives(self):
        past = [[] for _ in self.model.layers]
        parts = [
            self.model.hidden(self.ids[:, :13], past),
            self.model.hidden(self.ids[:, 13:], past, 13),
        ]
        torch.testing.assert_close(
            torch.cat(parts, 1), self.model.hidden(self.ids), atol=1e-5, rtol=1e-4
        )

    @torch.no_grad()
    def test_a_row_behind_padding_gives_the_same(self):
        padded = torch.cat((torch.zeros(2, 7, dtype=torch.long), self.ids), 1)
        hidden = self.model.hidden(padded, padding=torch.tensor([7, 7]))[:, 7:]
        torch.testing.assert_close(hidden, self.model.hidden(self.ids), atol=1e-5, rtol=1e-4)

    def test_sizes_obey_their_number_formats(self):
        for size in sizes.SIZES.values():
            block = 256 if size.quant == "Q6_K" else 32
            self.assertEqual(
                (size.dim % block, size.hidden % block, size.head_dim % 2), (0, 0, 0), size.name
            )
            self.assertEqual((size.dim % size.heads, size.heads % size.kv_heads), (0, 0), size.name)

    def test_parameters_are_counted_right(self):
        self.assertEqual(sum(p.numel() for p in self.model.parameters()), TINY.parameters)


class QuantizeTest(unittest.TestCase):
    def test_decodes_to_nearly_the_same(self):
        matrix = np.random.default_rng(1).normal(size=(6, 512)).astype(np.float32)
        matrix[2] *= 1e-3
        for kind, worst in (("F32", 0), ("F16", 3e-4), ("Q8_0", 0.006), ("Q6_K", 0.02)):
            data = quantize.QUANTIZE[kind](matrix)
            back = quantize.DEQUANTIZE[kind](data, matrix.shape)
            for row, decoded in zip(matrix, back):
                error = np.sqrt(((row - decoded) ** 2).mean() / (row**2).mean())
                self.assertLessEqual(error, worst, kind)

    def test_takes_nothing_but_zeros_and_single_values(self):
        for kind in ("Q8_0", "Q6_K"):
            matrix = np.zeros((2, 256), np.float32)
            matrix[1, 17] = -3.5
            back = quantize.DEQUANTIZE[kind](quantize.QUANTIZE[kind](matrix), matrix.shape)
            self.assertTrue((back[0] == 0).all())
            self.assertAlmostEqual(back[1, 17], -3.5, delta=0.03)
            self.assertEqual(np.count_nonzero(back[1]), 1)


class TrainTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        torch.set_num_threads(1)
        sizes.SIZES["tiny"] = TINY
        cls.tokenizer = learn_from_corpus(1, 800, TINY.vocab)

    @classmethod
    def tearDownClass(cls):
        del sizes.SIZES["tiny"]

    def start(self, folder, **fields):
        self.tokenizer.save(Path(folder) / "tokenizer.json")
        return train.Run(arguments(**fields), Path(folder), "cpu")

    def test_the_loss_falls(self):
        with tempfile.TemporaryDirectory() as folder:
            run = self.start(folder, steps=100, rate=1e-2)
            losses = [run.train_step() for _ in range(100)]
            self.assertLess(sum(losses[-10:]), 0.8 * sum(losses[:10]))

    def test_a_run_that_was_cut_gives_the_weights_of_one_that_was_not(self):
        with tempfile.TemporaryDirectory() as whole, tempfile.TemporaryDirectory() as cut:
            run = self.start(whole)
            for _ in range(8):
                run.train_step()
            first = self.start(cut)
            for _ in range(5):
                first.train_step()
            first.save()
            second = self.start(cut)
            for _ in range(3):
                second.train_step()
            for name, tensor in run.average.state_dict().items():
                self.assertTrue(torch.equal(tensor, second.average.state_dict()[name]), name)
            self.assertEqual(run.tokens, second.tokens)

    def test_a_run_with_other_arguments_is_not_gone_on_with(self):
        with tempfile.TemporaryDirectory() as folder:
            self.start(folder).save()
            with self.assertRaises(SystemExit):
                self.start(folder, rate=1e-3)

    def test_no_conversation_is_lost_or_cut_in_batches(self):
        corpus = Corpus(1, only=["git"])
        batches = Batches(corpus, self.tokenizer, TINY.context, 2048, 1)
        ids, places, targets, weights, count = batches.next()
        self.assertLessEqual(ids.numel(), 2048)
        self.assertTrue(torch.equal(ids.flatten()[places + 1], targets))
        self.assertGreater(int((weights == 1).sum()), 0)
        self.assertLessEqual(int(count), ids.numel())

    def test_answers_in_a_batch_are_those_of_each_alone(self):
        torch.manual_seed(5)
        model = Sentinel(TINY).eval()
        prompts = [evaluate.prompt_ids(self.tokenizer, case) for case in evaluate.held_cases(1, 6)]
        together = evaluate.answers(model, self.tokenizer, prompts)
        alone = [evaluate.answers(model, self.tokenizer, [prompt])[0] for prompt in prompts]
        self.assertEqual(together, alone)


if __name__ == "__main__":
    unittest.main()
