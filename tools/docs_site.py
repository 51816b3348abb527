"""Hooks of mkdocs: what the documentation site takes from the repository outside docs/.

README, CONTRIBUTING and the other pages at the top level, and the README of each role, become pages of the site. Links
are written as GitHub resolves them, by path in the repository; here they are rewritten to the paths of the site.
"""

import fnmatch
import posixpath
import re
from collections.abc import Iterator
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from image.errors import ActionableError
from tools import ROOT, mermaid

# path in the repository: path in the site
SITE_PATHS = {
    "README.md": "readme.md",
    "LICENSE": "LICENSE.txt",
    "image/artifacts/soniquebay.svg": "assets/soniquebay.svg",
    "CONTRIBUTING.md": "project/contributing.md",
    "CHANGELOG.md": "project/changelog.md",
    "SECURITY.md": "project/security.md",
    "CODE_OF_CONDUCT.md": "project/code-of-conduct.md",
    **{
        f"roles/{path.parent.name}/README.md": f"roles/{path.parent.name}.md" for path in ROOT.glob("roles/*/README.md")
    },
}
_REPOSITORY_PATHS = {site: source for source, site in SITE_PATHS.items()}
MERMAID = "assets/mermaid.min.js"
_LINK = re.compile(r"\[(?P<text>[^\[\]]*)\]\((?P<path>[^()\s#]+)(?P<anchor>#[^()\s]*)?\)")
_CODE = re.compile(r"(^ *```.*?^ *```|`[^`\n]+`)", re.MULTILINE | re.DOTALL)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and files that are not in docs/, and resolve the patterns of the navigation."""
    for source, target in SITE_PATHS.items():
        files.append(File.generated(config, target, abs_src_path=str(ROOT / source)))
    if any("```mermaid" in page.content_string for page in files.documentation_pages()):
        try:
            files.append(File.generated(config, MERMAID, abs_src_path=str(mermaid.script())))
        except ActionableError as error:
            raise PluginError(error.what) from error
    if config.nav:
        config.nav = expand(config.nav, sorted(page.src_uri for page in files.documentation_pages()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite the links of a page, except in code."""
    parts = _CODE.split(markdown)
    source = _REPOSITORY_PATHS.get(page.file.src_uri, f"docs/{page.file.src_uri}")
    parts[::2] = [rewrite_links(text, source, config.repo_url or "") for text in parts[::2]]
    return "".join(parts)


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Load Mermaid on the pages that have a diagram; mkdocs-material uses the copy that is loaded already."""
    if 'class="mermaid"' not in output:
        return output
    return output.replace("</body>", f'<script src="{_relative(MERMAID, page.file.dest_uri)}"></script></body>')


def rewrite_links(markdown: str, source: str, repository: str) -> str:
    """Return Markdown of the file at the path `source` with links that are right in the site.

    A link to a file that is not in the site leads to the repository on the web, if its address is configured; else
    only the text stays.
    """

    def rewritten(link: re.Match[str]) -> str:
        text, path, anchor = link["text"], link["path"], link["anchor"] or ""
        if ":" in path:
            return link[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), path))
        if path not in SITE_PATHS and not path.startswith("docs/") and (ROOT / path).exists():
            return f"[{text}]({repository.rstrip('/')}/blob/main/{path}{anchor})" if repository else text
        return f"[{text}]({_relative(_site_path(path), _site_path(source))}{anchor})"

    return _LINK.sub(rewritten, markdown)


def expand(nav: list[Any], pages: list[str]) -> list[Any]:
    """Return the navigation with each pattern replaced by the pages that it matches.

    A pattern matches within one folder, and no page that the navigation names. A section without a page is left out.
    """
    named = set(_entries(nav))

    def expanded(entry: Any) -> list[Any]:
        if isinstance(entry, list):
            return [page for part in entry for page in expanded(part)]
        if isinstance(entry, dict):
            sections = {title: value if value in pages else expanded(value) for title, value in entry.items()}
            return [{title: value} for title, value in sections.items() if value]
        if "*" not in entry:
            return [entry]
        inside = [page for page in pages if page.count("/") == entry.count("/") and page not in named]
        return fnmatch.filter(inside, entry)

    return expanded(nav)


def _entries(nav: Any) -> Iterator[str]:
    if isinstance(nav, str):
        yield nav
    else:
        for part in nav.values() if isinstance(nav, dict) else nav:
            yield from _entries(part)


def _site_path(path: str) -> str:
    return SITE_PATHS.get(path, path.removeprefix("docs/"))


def _relative(target: str, page: str) -> str:
    return posixpath.relpath(target, posixpath.dirname(page) or ".")
