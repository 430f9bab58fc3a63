"""The layout: clipping, order of lines, and reading answers again."""

import unittest

import layout
from generator.case import Case


def case(**fields):
    values = {
        "family": "f", "template": "t", "command": "git psuh", "status": 1, "output": "a\nb", "hints": (),
        "cause": "It is so.", "fixes": ("git push", "git  push -u"), "confidence": "sure", **fields,
    }  # fmt: skip
    return Case(**values)


class LayoutTest(unittest.TestCase):
    def test_question_has_command_status_folder_and_output_in_this_order(self):
        text = layout.question_of(case(hints=("a/", "b.txt")))
        self.assertEqual(text, "$ git psuh\nexit 1\ndir a/ b.txt\na\nb")

    def test_output_that_is_not_known_leaves_no_line(self):
        self.assertEqual(layout.question_of(case(output=None)), "$ git psuh\nexit 1")

    def test_long_outputs_keep_their_beginning_and_end(self):
        lines = layout.clipped_lines("\n".join(f"line {n}  x\t" for n in range(50)) + "\n\n")
        self.assertEqual(lines, [f"line {n} x" for n in (0, 1, 2, 45, 46, 47, 48, 49)])

    def test_long_lines_are_clipped(self):
        self.assertEqual(len(layout.clipped_lines("x" * 999)[0]), layout.LINE_CHARS)

    def test_an_answer_is_read_as_it_was_written(self):
        self.assertEqual(
            layout.read_answer(layout.answer_of(case())), ("It is so.", "git push", "sure")
        )
        unknown = case(fixes=(), confidence="unsure")
        self.assertEqual(layout.read_answer(layout.answer_of(unknown)), ("It is so.", None, "unsure"))

    def test_reading_takes_any_text(self):
        for text in ("", "\n", "sure", "$ ", "$ ls", "a\nb\nc", "sure\nsure\n$"):
            cause, fix, confidence = layout.read_answer(text)
            self.assertIsInstance(cause, str)

    def test_accepts_any_of_the_fixes_but_no_other(self):
        self.assertTrue(layout.is_accepted(case(), "git push"))
        self.assertTrue(layout.is_accepted(case(), "git push  -u"))
        self.assertFalse(layout.is_accepted(case(), "git pull"))
        self.assertFalse(layout.is_accepted(case(), None))
        self.assertTrue(layout.is_accepted(case(fixes=()), None))
        self.assertFalse(layout.is_accepted(case(fixes=()), "ls"))

    def test_prompt_has_the_turns_before_it(self):
        prompt = layout.prompt_of(case(earlier=[case(command="ls")]))
        first = (
            "<|user|>\n$ ls\nexit 1\na\nb<|end|>\n<|assistant|>\nIt is so.\n$ git push\nsure<|end|>\n"
        )
        self.assertEqual(prompt, first + "<|user|>\n$ git psuh\nexit 1\na\nb<|end|>\n<|assistant|>\n")


if __name__ == "__main__":
    unittest.main()
