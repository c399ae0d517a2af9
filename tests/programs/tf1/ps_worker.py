"""Weights on a parameter server, towers on workers, in one program."""
import numpy as np
import tensorflow.compat.v1 as tf

tf.disable_v2_behavior()

with tf.device(tf.train.replica_device_setter(ps_tasks=1, worker_device="/job:worker/task:0")):
    w = tf.get_variable("w", [3, 1], initializer=tf.zeros_initializer())
losses = []
for task in range(2):
    with tf.device("/job:worker/task:%d" % task):
        x = tf.constant(np.random.RandomState(task).rand(20, 3).astype(np.float32))
        y = tf.matmul(x, tf.constant([[1.0], [2.0], [3.0]]))
        losses.append(tf.reduce_mean(tf.squared_difference(tf.matmul(x, w), y)))
loss = tf.add_n(losses)
train = tf.train.MomentumOptimizer(0.1, 0.9).minimize(loss, colocate_gradients_with_ops=True)
with tf.Session(config=tf.ConfigProto(allow_soft_placement=True)) as sess:
    sess.run(tf.global_variables_initializer())
    for _ in range(200):
        sess.run(train)
    print("w", np.round(sess.run(w).ravel(), 1).tolist(), "devices", len(sess.list_devices()))
