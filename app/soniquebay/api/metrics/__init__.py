"""The figures of the appliance for Prometheus, at `/metrics`."""
