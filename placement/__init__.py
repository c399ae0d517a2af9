"""Where each op runs: cluster model, constraints, costs, planners, simulator, the Send/Recv cut."""
