"""The generator: spread, determinism, what is held out, what may never come, and well-formed cases.

Run by `python3 -m unittest discover -s training/tests -t training`, and by test/training/generator.test.ts
where python3 is there. Standard library only.
"""

import math
import os
import tempfile
import unittest
from collections import Counter, defaultdict
from pathlib import Path

import layout
from generator import exclusion
from generator.catalogue import Fault, load
from generator.corpus import SHARES, Corpus
from generator.draw import HELD, TRAIN, Draw, Retry, is_held
from generator.typo import misspell

CASES = 6000
SHELL_FAILURES = (
    Path(os.environ.get("SWARM_TEST_DATA", "../shared/data")) / "shell-failures" / "cases.json"
)


def entropy(counts):
    """Bits."""
    total = sum(counts.values())
    return -sum(count / total * math.log2(count / total) for count in counts.values())


def texts_of(case):
    return layout.question_of(case), layout.answer_of(case)


class GeneratorTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.families = load()
        corpus = Corpus(7, families=cls.families)
        cls.cases = [corpus.case(number) for number in range(CASES)]
        held = Corpus(7, HELD, families=cls.families)
        cls.held = [held.case(number) for number in range(CASES // 3)]

    def test_every_case_is_well_formed(self):
        for case in self.cases + self.held:
            for one in [*case.earlier, case]:
                one.check()

    def test_every_template_can_be_drawn_on_the_training_side(self):
        dead = []
        for family in self.families.values():
            for template in family.templates:
                for attempt in range(60):
                    try:
                        template.make(Draw(f"alive/{attempt}", TRAIN)).check()
                        break
                    except Retry:
                        pass
                else:
                    dead.append((family.name, template.name))
        self.assertEqual(dead, [])

    def test_every_family_comes_and_none_is_most_of_it(self):
        counts = Counter(case.family for case in self.cases)
        self.assertEqual(set(counts), set(self.families))
        self.assertGreater(min(counts.values()), CASES * 0.008)
        self.assertLess(max(counts.values()), CASES * 0.2)
        for name, share in SHARES.items():
            self.assertAlmostEqual(counts[name] / CASES, share, delta=0.03)

    def test_questions_of_a_family_are_nearly_all_different(self):
        by_family = defaultdict(list)
        for case in self.cases:
            by_family[case.family].append(layout.question_of(case))
        for name, questions in by_family.items():
            different = len(set(questions)) / len(questions)
            self.assertGreater(different, 0.5 if name == "talk" else 0.85, name)

    def test_templates_and_first_words_of_fixes_are_spread(self):
        self.assertGreater(entropy(Counter((c.family, c.template) for c in self.cases)), 7.5)
        fixes = Counter(case.fixes[0].split()[0] for case in self.cases if case.fixes)
        self.assertGreater(entropy(fixes), 4.5)
        self.assertGreater(entropy(Counter(case.command for case in self.cases)), 11.5)
        self.assertLess(fixes.most_common(1)[0][1], CASES * 0.25)

    def test_no_answer_is_much_of_a_family(self):
        by_family = defaultdict(Counter)
        for case in self.cases:
            by_family[case.family][layout.answer_of(case)] += 1
        for name, answers in by_family.items():
            share = answers.most_common(1)[0][1] / sum(answers.values())
            # What is not known has one answer, whatever it looks like.
            most = {"unknown": 0.7, "talk": 0.5}.get(name, 0.25)
            self.assertLess(share, most, name)

    def test_confidence_words_are_all_used(self):
        counts = Counter(case.confidence for case in self.cases if case.command)
        for word, least, most in (("sure", 0.5, 0.8), ("likely", 0.1, 0.4), ("unsure", 0.05, 0.25)):
            self.assertGreater(counts[word] / sum(counts.values()), least, word)
            self.assertLess(counts[word] / sum(counts.values()), most, word)

    def test_same_seed_same_cases_whatever_came_before(self):
        again = Corpus(7, families=self.families)
        for number in (4711, 17, 0, 5999):
            self.assertEqual(texts_of(again.case(number)), texts_of(self.cases[number]))
        other = Corpus(8, families=self.families)
        same = sum(texts_of(other.case(n)) == texts_of(self.cases[n]) for n in range(200))
        self.assertLess(same, 4)

    def test_held_out_questions_are_not_in_the_training_text(self):
        trained = {layout.question_of(case) for case in self.cases if case.command}
        common = [case for case in self.held if case.command and layout.question_of(case) in trained]
        self.assertEqual(common, [])

    def test_held_out_names_never_occur_in_training(self):
        # Names by a hash of their text: one that is held out cannot be drawn for training.
        for number in range(2000):
            draw = Draw(f"names/{number}", TRAIN)
            self.assertFalse(is_held(draw.name(lambda d: f"name{d.between(1, 500)}")))
        draw = Draw("names", HELD)
        self.assertTrue(is_held(draw.name(lambda d: f"name{d.between(1, 500)}")))

    def test_a_family_can_be_left_out(self):
        corpus = Corpus(3, leave_out=["git"], families=self.families)
        families = {corpus.case(number).family for number in range(800)}
        self.assertEqual(families, set(self.families) - {"git"})
        only = Corpus(3, only=["git"], families=self.families)
        self.assertEqual({only.case(number).family for number in range(50)}, {"git"})

    def test_names_in_the_learnt_answer_can_be_copied_from_the_question(self):
        # Rough: long words of the fix that no template has are in the question.
        known = {
            word
            for family in self.families.values()
            for template in family.templates
            for text in template_texts(template)
            for word in split_words(text)
        }
        missing = []
        for case in self.cases:
            if not case.fixes:
                continue
            question = layout.question_of(case)
            for word in split_words(case.fixes[0]):
                if len(word) > 6 and word not in known and word not in question:
                    missing.append((case.family, case.template, word))
        self.assertLess(len(missing), CASES * 0.002, missing[:10])

    def test_no_excluded_command_comes(self):
        excluded = exclusion.load()
        self.assertGreater(len(excluded), 100)
        for case in self.cases + self.held:
            for one in [*case.earlier, case]:
                if one.command:
                    self.assertNotIn(exclusion.command_hash(one.command), excluded)

    def test_the_list_of_excluded_commands_is_that_of_the_shared_cases(self):
        if not SHELL_FAILURES.exists():
            self.skipTest("no shared test data")
        self.assertEqual(sorted(exclusion.load()), exclusion.hashes_of(SHELL_FAILURES))

    def test_an_excluded_command_would_be_found(self):
        self.assertEqual(exclusion.command_hash(" git   psuh "), exclusion.command_hash("git psuh"))
        self.assertNotEqual(exclusion.command_hash("git psuh"), exclusion.command_hash("git push"))


class MisspellTest(unittest.TestCase):
    def test_is_never_the_word_nor_a_taken_one(self):
        for number in range(3000):
            wrong = misspell(Draw(f"typo/{number}", TRAIN), "status", frozenset({"tatus"}))
            self.assertNotIn(wrong, ("status", "tatus"))

    def test_makes_many_different_ones(self):
        wrong = {misspell(Draw(f"typo/{number}", TRAIN), "checkout") for number in range(2000)}
        self.assertGreater(len(wrong), 60)


class CatalogueTest(unittest.TestCase):
    def read(self, text):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "shared.cases").write_text("screen NOTFOUND\n> {what}: not found\n")
            Path(folder, "some.cases").write_text(text)
            return load(Path(folder))["some"].templates

    def test_reads_variants_and_named_screens(self):
        text = "## a x2 exit=1,2 likely\nlet t r = x {word} | y\n$ {t} {r}\n"
        text += "> one\n> two\nor\n> @NOTFOUND what={t}\n: C.\n= ls\n"
        (template,) = self.read(text)
        self.assertEqual(template.outputs, ["one\ntwo", "{t}: not found"])
        self.assertEqual(
            (template.weight, template.statuses, template.confidence), (2.0, (1, 2), "likely")
        )

    def test_refuses_what_it_does_not_understand(self):
        for text in (
            "## a\n$ x\n: C.\n= {nothing}\n",
            "## a strange\n$ x\n: C.\n",
            "## a\n$ x\n",
            "## a\n: C.\n",
            "## a\nlet x = @NONE\n$ {x}\n: C.\n",
            "## a\n$ x\n: C.\n## a\n$ y\n: C.\n",
            "## a\n$ x\nwhat\n: C.\n",
        ):
            with self.assertRaises(Fault, msg=text):
                self.read(text)


def template_texts(template):
    lists = [
        options
        for let in template.lets
        for options in ([let.options] if let.by is None else let.options.values())
    ]
    return [text for options in lists for text in options] + template.fixes


def split_words(text):
    for sign in "'\"/=:.,;()[]{}<>$@&|`\\-_":
        text = text.replace(sign, " ")
    return text.split()


if __name__ == "__main__":
    unittest.main()
