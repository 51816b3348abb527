"""Entity tags: what a client says of those that it has (RFC 9110, section 13.1.2)."""


def has_tag(if_none_match: str | None, etag: str) -> bool:
    """Tell whether a client that sends this `If-None-Match` has the answer with this tag. Weak tags count as well."""
    known = {_strong(tag.strip()) for tag in (if_none_match or "").split(",")}
    return not known.isdisjoint({_strong(etag), "*"})


def _strong(tag: str) -> str:
    return tag.removeprefix("W/")
