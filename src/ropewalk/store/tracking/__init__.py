"""SQL for experiments, runs, metrics, inputs and logged models; one module each, values in `values`."""
