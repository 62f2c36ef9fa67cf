"""The sandbox: everything the main job needs, small and on one machine, for the demo and for the tests."""
