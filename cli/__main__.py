"""`python -m cli`: the same as `civitai-archive`."""

from cli.main import main

main()
