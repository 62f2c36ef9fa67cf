"""From plans to outcomes: one host, many hosts, and the record of what was done."""
