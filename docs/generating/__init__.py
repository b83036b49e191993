"""Reference pages, made from schemas, catalogues and code: one module for each kind of page."""
