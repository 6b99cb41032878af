"""Reviewing labels by ear: a local web page that plays clips and writes what a person decides as overrides.

The server is the standard library's, for one person on one machine; the page is plain HTML, CSS and JavaScript from this
folder and fetches nothing from elsewhere. Every decision is on the disk before the page goes on.
"""
