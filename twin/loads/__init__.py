"""What the accelerators do: `load` reads and names loads, `activity` maps them to racks, `fleet` generates them."""
