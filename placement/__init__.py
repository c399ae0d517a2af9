"""Where each op runs: cluster model, constraints, costs, planners, simulator, the Send/Recv cut."""

from .cluster import Cluster, DeviceInfo, Link, device_info, full_name, local_cluster
from .costs import Costs, predicted_seconds
from .make import make_plan
from .partition import Partition, check_partitions, partition, rendezvous_key
from .plan import Plan, Transfer
from .simulate import Simulation, Span, simulate

__all__ = [
    "Cluster",
    "Costs",
    "DeviceInfo",
    "Link",
    "Partition",
    "Plan",
    "Simulation",
    "Span",
    "Transfer",
    "check_partitions",
    "device_info",
    "full_name",
    "local_cluster",
    "make_plan",
    "partition",
    "predicted_seconds",
    "rendezvous_key",
    "simulate",
]
