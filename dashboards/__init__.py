"""Grafana's dashboards, a module each; `python -m dashboards` writes the JSON that Grafana reads."""
