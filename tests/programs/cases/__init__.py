"""The cases by kind; importing this package registers them all."""

from cases import archives, compilers, embedding, endings, languages, markup, media, servers, storage, text  # noqa: F401
