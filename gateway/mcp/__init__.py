"""The gateway for assistants: what it can do as tools and resources of the Model Context Protocol."""
