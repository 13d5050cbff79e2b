# SPDX-License-Identifier: GPL-2.0
"""Reads a manual page in mdoc(7), and writes it as reStructuredText.

Knows the macros that the project's manual pages use. Any other macro is an error.
"""

import dataclasses
import re
import textwrap

# How each macro of a word is written: around its text.
MARKUP = {"Cm": "``", "Pa": "``", "Va": "``", "Dv": "``", "Er": "``", "Ar": "*", "Em": "*", "Nm": "**"}
# Macros whose text is in quotes or brackets.
QUOTES = {"Dq": '""', "Pq": "()", "Op": "[]"}
CLOSING = {".", ",", ";", ":", ")", "?", "!"}
# Characters that are markup in reStructuredText.
SPECIAL = re.compile(r"[\\*`|]|(?<=\w)_(?!\w)")


@dataclasses.dataclass
class Paragraph:
    text: str

    def lines(self, width):
        return textwrap.wrap(self.text, width, break_long_words=False, break_on_hyphens=False)


@dataclasses.dataclass
class Literal:
    text: list

    def lines(self, _width):
        return ["::", "", *(f"  {line}" if line else "" for line in self.text)]


@dataclasses.dataclass
class Item:
    """A term and its description. `words` is the term without markup."""
    term: str
    words: str
    blocks: list = dataclasses.field(default_factory=list)

    def lines(self, width):
        return [self.term, *(f"  {line}" if line else "" for line in lines(self.blocks, width - 2))]


@dataclasses.dataclass
class Section:
    title: str
    level: int
    blocks: list = dataclasses.field(default_factory=list)

    def item(self, word):
        """Returns the item whose term has that word."""
        found, = (block for block in self.blocks
                  if isinstance(block, Item) and word in block.words.split())
        return found


def lines(blocks, width):
    """Returns the lines of the blocks, with an empty line between two blocks."""
    result = []
    for block in blocks:
        result += [*([""] if result else []), *block.lines(width)]
    return result


def inline(words, name, marked=True):
    """Returns the text of a macro line. `name`: what `.Nm` stands for. marked: with markup."""
    text, macro, closing, glue = "", None, "", True
    end = len(words)
    while words[end - 1] in CLOSING:
        end -= 1
    for word in words[:end]:
        if word in MARKUP or word in QUOTES or word == "Xr":
            macro = word
            if word in QUOTES:
                text += ("" if glue else " ") + QUOTES[word][0]
                closing, glue = QUOTES[word][1] + closing, True
            elif word == "Nm" and words[-1] == "Nm":
                text += name
            continue
        if word == "Ns":
            if marked:
                raise ValueError(".Ns is known in the synopsis only")
            glue = True
            continue
        if word in CLOSING:
            text += word
            continue
        if macro == "Xr" and word.isdigit():
            text += f"({word})"
            continue
        around = MARKUP.get(macro, "") if marked else ""
        shown = word if around == "``" or not marked else SPECIAL.sub(r"\\\g<0>", word)
        text += ("" if glue else " ") + around + shown + around
        glue = False
    return text + closing + "".join(words[end:])


class Reader:
    """Reads the lines of a page into sections."""

    def __init__(self, text):
        self.name = self.summary = ""
        self.sections = []
        self.items = []  # the items that are open, one for each list
        self.open_lists = 0
        self.paragraph = []
        source = iter(text.splitlines())
        for line in source:
            if line.startswith('.\\"'):
                continue
            if line.startswith(".Bd"):
                self.end_paragraph()
                self.blocks().append(Literal(list(iter(lambda: next(source), ".Ed"))))
            elif line.startswith("."):
                self.macro(line[1:])
            else:
                self.paragraph.append(SPECIAL.sub(r"\\\g<0>", line))
        self.end_paragraph()

    def blocks(self):
        """The list to which the next block is added."""
        return self.items[-1].blocks if self.items else self.sections[-1].blocks

    def end_paragraph(self):
        text = " ".join(self.paragraph)
        self.paragraph = []
        if text:
            self.blocks().append(Paragraph(text))

    def macro(self, line):
        macro, *words = line.replace('"', "").split()
        is_synopsis = bool(self.sections) and self.sections[-1].title == "Synopsis"
        if macro in ("Dd", "Dt", "Os"):
            return
        if macro in ("Sh", "Ss"):
            self.end_paragraph()
            self.sections.append(Section(" ".join(words).capitalize(), 1 if macro == "Sh" else 2))
        elif macro == "Pp":
            self.end_paragraph()
        elif macro == "Bl":
            self.end_paragraph()
            self.open_lists += 1
        elif macro == "El":
            self.end_paragraph()
            self.open_lists -= 1
            del self.items[self.open_lists:]
        elif macro == "It":
            self.end_paragraph()
            del self.items[self.open_lists - 1:]
            plain = inline(words, self.name, marked=False).replace(",", " ")
            item = Item(inline(words, self.name), plain)
            self.blocks().append(item)
            self.items.append(item)
        elif macro == "Nd":
            self.summary = " ".join(words)
        elif macro == "Nm" and not self.name:
            self.name = words[0]
        elif macro == "Nm" and not words:
            self.paragraph.append(self.name)
        elif macro in MARKUP or macro in QUOTES or macro == "Xr":
            self.paragraph.append(inline([macro, *words], self.name, marked=not is_synopsis))
        else:
            raise ValueError(f".{macro}: this macro is not known")

    def section(self, title):
        found, = (section for section in self.sections if section.title == title)
        return found


def as_rst(page, note, width=80):
    """Returns the page as reStructuredText. `note`: a paragraph at its beginning."""
    title = f"{page.name}: {page.summary}"
    result = [".. SPDX-License-Identifier: GPL-2.0", "", "=" * len(title), title, "=" * len(title), "",
              *Paragraph(note).lines(width)]
    for section in page.sections:
        blocks = section.blocks
        if section.title == "Name":
            continue
        if section.title == "Synopsis":
            blocks = [Literal(textwrap.wrap(block.text, width - 2)) for block in blocks]
        result += ["", section.title, "=-"[section.level - 1] * len(section.title), "",
                   *lines(blocks, width)]
    return "\n".join(result) + "\n"
