"""The tokenizer: round trips, GPT-2's cutting of words, merges in order, the same vocabulary twice."""

import unittest

import layout
from generator.corpus import Corpus
from tokenizer import (
    ASSISTANT_ID,
    END_ID,
    FIRST_MERGE_ID,
    USER_ID,
    byte_alphabet,
    learn,
    learn_from_corpus,
    word_pattern,
)

ODD = "Zoë's  naïve café\t\n\n  42x²½ ١٢ 日本語 ‘quoted’ ╰─> 🐶\x1c\u2028e\u0301 \xa0 end   "


class TokenizerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tokenizer = learn_from_corpus(1, 1500, 700)

    def test_every_text_comes_back(self):
        corpus = Corpus(11)
        texts = [layout.question_of(corpus.case(number)) for number in range(300)]
        for text in [*texts, ODD, "", " ", "\n"]:
            self.assertEqual(self.tokenizer.decode(self.tokenizer.encode(text)), text)

    def test_words_are_cut_as_gpt2_cuts_them(self):
        words = word_pattern().findall("I've 2 dogs--don't  you?\n\n x")
        self.assertEqual(
            words, ["I", "'ve", " 2", " dogs", "--", "don", "'t", " ", " you", "?", "\n\n", " x"]
        )

    def test_merges_are_learnt_by_count_and_applied_in_order(self):
        merges = learn(["aab aab aab ab"], FIRST_MERGE_ID + 2)
        a, b = (3 + ord(letter) for letter in "ab")
        self.assertEqual(merges, [(a, b), (a, FIRST_MERGE_ID)])

    def test_learning_is_deterministic(self):
        self.assertEqual(self.tokenizer.merges, learn_from_corpus(1, 1500, 700).merges)

    def test_the_vocabulary_has_no_token_twice_and_every_byte(self):
        texts = self.tokenizer.texts()
        self.assertEqual(len(texts), 700)
        self.assertEqual(len(set(texts)), 700)
        self.assertLessEqual(set(byte_alphabet()), set(texts))

    def test_only_answers_are_learnt(self):
        ids, learnt = self.tokenizer.encode_conversation([("$ ls", "Fine.")])
        self.assertEqual(ids[0], USER_ID)
        at = ids.index(ASSISTANT_ID) + 1
        self.assertEqual(learnt, [False] * (at + 1) + [True] * (len(ids) - at - 1))
        self.assertEqual(ids[-1], END_ID)


if __name__ == "__main__":
    unittest.main()
