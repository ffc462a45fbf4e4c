"""The Markdown of our own issues, and that nothing else gets through."""

from __future__ import annotations

import pytest

from ropewalk.web.markdown import markdown


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("plain words", "<p>plain words</p>"),
        ("two\nlines", "<p>two lines</p>"),
        ("one\n\ntwo", "<p>one</p>\n<p>two</p>"),
        ("## Comment", "<h2>Comment</h2>"),
        ("## Comment\nbelow", "<h2>Comment</h2>\n<p>below</p>"),
        ("- a\n- b", "<ul><li>a</li><li>b</li></ul>"),
        ("use `ropewalk run`", "<p>use <code>ropewalk run</code></p>"),
        ("**much**", "<p><strong>much</strong></p>"),
        ("```\na < b\n\n## c\n```", "<pre><code>a &lt; b\n\n## c</code></pre>"),
        ("```sql\nSELECT 1\n```\nafter", "<pre><code>SELECT 1</code></pre>\n<p>after</p>"),
        ("``` never closed", "<p>``` never closed</p>"),
        ("a < b & c", "<p>a &lt; b &amp; c</p>"),
        ("<script>alert(1)</script>", "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"),
        ("[x](javascript:alert(1))", "<p>[x](javascript:alert(1))</p>"),
        ("| not | a table", "<p>| not | a table</p>"),
    ],
)
def test_markdown(text: str, html: str) -> None:
    """Each piece is drawn, and what is no piece stays text."""
    assert markdown(text) == html


def test_table() -> None:
    """A table has heads, and figures stand right where its rule says so."""
    html = markdown("| window | PSI |\n|---|---:|\n| 2013-12 | `0.318` |")

    assert '<th scope="col">window</th><th scope="col" class="num">PSI</th>' in html
    assert '<tr><td>2013-12</td><td class="num"><code>0.318</code></td></tr>' in html


@pytest.mark.parametrize("row", ["| a |", "| a | b | c | d |", "|", "a | b"])
def test_uneven_rows_do_no_harm(row: str) -> None:
    """A row with too few or too many cells is still a row."""
    assert markdown(f"| x | y |\n|---|---:|\n{row}").count("<tr>") == 2
