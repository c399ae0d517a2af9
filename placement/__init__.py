"""Where each op runs: cluster model, constraints, costs, planners, simulator, the Send/Recv cut."""

from .cluster import Cluster, DeviceInfo, Link, device_info, full_name, local_cluster
from .costs import Costs, predicted_seconds
from .make import make_plan
from .partition import Partition, check_partitions, partition, rendezvous_key
from .plan import Plan, Transfer
from .predict import Prediction, predict_step
from .replay import Replay, replay
from .simulate import Simulation, Span, simulate

__all__ = [
    "Cluster",
    "Costs",
    "DeviceInfo",
    "Link",
    "Partition",
    "Plan",
    "Prediction",
    "Replay",
    "Simulation",
    "Span",
    "Transfer",
    "check_partitions",
    "device_info",
    "full_name",
    "local_cluster",
    "make_plan",
    "partition",
    "predict_step",
    "predicted_seconds",
    "rendezvous_key",
    "replay",
    "simulate",
]
