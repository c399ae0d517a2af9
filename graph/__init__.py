"""What to compute: graph, op declarations, shape rules, gradients, rewrites, GraphDef in and out."""
