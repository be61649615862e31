"""The developer command's parts: `cli` dispatches, each sub-command has a file of its own."""
