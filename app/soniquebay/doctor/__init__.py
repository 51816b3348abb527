"""`soniquebay doctor`: checks for the likeliest troubles of an appliance, one concern a module, and their remedies."""
