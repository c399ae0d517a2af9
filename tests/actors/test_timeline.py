"""Time lines of traced steps: what ran where, and what went from device to device."""

from __future__ import annotations

import json
from pathlib import Path

import weft as tf


def test_a_time_line_has_ops_and_arrows_between_devices(tmp_path: Path) -> None:
    with tf.device("/job:ps/task:0"):
        w = tf.get_variable("w", initializer=[[1.0, 2.0], [3.0, 4.0]])
        sent = tf.multiply(w, 2.0, name="sent")
    with tf.device("/job:worker/task:0"):
        total = tf.reduce_sum(tf.matmul(sent, sent), name="total")
    metadata = tf.RunMetadata()
    with tf.Session(cluster=tf.train.ClusterSpec({"ps": 1, "worker": 1})) as sess:
        sess.run(w.initializer)
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE, output_partition_graphs=True)
        assert sess.run(total, options=options, run_metadata=metadata) == 216.0
    assert len(metadata.partition_graphs) == 2
    assert {"_Send", "_Recv"} <= {n.op for g in metadata.partition_graphs for n in g.node}
    line = tf.timeline.Timeline(metadata.step_stats)
    line.save(tmp_path / "line.json")
    events = json.loads((tmp_path / "line.json").read_text())["traceEvents"]
    names = {e["pid"]: e["args"]["name"] for e in events if e["ph"] == "M"}
    assert {n.split("/task")[0] for n in names.values()} == {"/job:ps/replica:0", "/job:worker/replica:0"}
    assert {"MatMul", "_Recv"} <= {e["name"] for e in events if e["ph"] == "X"}
    starts = [e for e in events if e["ph"] == "s"]
    ends = [e for e in events if e["ph"] == "f"]
    assert len(starts) == len(ends) >= 1
    for start, end in zip(starts, ends, strict=True):
        assert start["id"] == end["id"]
        assert start["name"].startswith("sent")
        assert (names[start["pid"]][:7], names[end["pid"]][:11]) == ("/job:ps", "/job:worker")
    bare = json.loads(line.generate_chrome_trace_format(show_dataflow=False))["traceEvents"]
    assert not [e for e in bare if e["ph"] in "sf"]
