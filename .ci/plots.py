"""What `make offline-plots` writes: a page for `dvc plots --html-template` that holds Vega itself.

DVC's own page fetches Vega, Vega-Lite and Vega-Embed from a CDN. Here they come out of vl-convert, which is installed
anyway.
"""

import sys
from pathlib import Path

import vl_convert

PAGE = """<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
{{refresh_tag}}
<title>Plots</title>
<style>body {{ font-family: sans-serif; }} table {{ border-spacing: 15px; }}</style>
<script>{script}</script>
</head>
<body>
{{plot_divs}}
</body>
</html>
"""


def main(path: Path) -> None:
    """Write the page."""
    script = vl_convert.javascript_bundle().replace("</script", "<\\/script")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(PAGE.format(script=script), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
