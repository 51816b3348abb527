"""The releases of this appliance: what is installed, and the transaction that replaces the one that runs."""
