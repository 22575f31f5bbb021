"""Where it runs and what it costs: device, cost, progress bars, whole files, clusters."""
