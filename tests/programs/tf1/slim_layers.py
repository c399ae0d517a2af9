"""contrib.slim layers under an arg_scope, modules of tensorflow.python, a MonitoredTrainingSession."""
import numpy as np
import tensorflow as tf
import tensorflow.contrib.slim as slim
from tensorflow.contrib.layers import xavier_initializer
from tensorflow.python.framework import dtypes, ops
from tensorflow.python.ops import array_ops, math_ops, variable_scope
from tensorflow.python.platform import gfile, tf_logging as logging

flags = tf.flags
flags.DEFINE_string("train_dir", None, "where checkpoints go")
flags.DEFINE_integer("steps", 60, "steps")


def network(images):
    with slim.arg_scope([slim.conv2d, slim.fully_connected], weights_initializer=xavier_initializer(seed=1)):
        net = slim.conv2d(images, 4, [3, 3], scope="conv1")
        net = slim.max_pool2d(net, [2, 2], scope="pool1")
        net = slim.flatten(net)
        return slim.fully_connected(net, 2, activation_fn=None, scope="logits")


def main(unused_argv):
    logging.set_verbosity(logging.INFO)
    rng = np.random.RandomState(0)
    images = rng.rand(64, 8, 8, 1).astype(np.float32)
    labels = (images[:, :, :4].mean((1, 2, 3)) > images[:, :, 4:].mean((1, 2, 3))).astype(np.int64)
    x = ops.convert_to_tensor(images, dtypes.float32)
    logits = network(x)
    loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
    step = tf.train.get_or_create_global_step()
    with variable_scope.variable_scope("train"):
        train_op = tf.train.AdamOptimizer(0.02).minimize(loss, global_step=step)
    accuracy = math_ops.reduce_mean(math_ops.cast(math_ops.equal(array_ops.squeeze(tf.argmax(logits, 1)), labels),
                                                  dtypes.float32))
    hooks = [tf.train.StopAtStepHook(last_step=flags.FLAGS.steps)]
    with tf.train.MonitoredTrainingSession(checkpoint_dir=flags.FLAGS.train_dir, hooks=hooks) as sess:
        while not sess.should_stop():
            _, value = sess.run([train_op, accuracy])
    print("accuracy %.2f" % value, gfile.Exists(flags.FLAGS.train_dir + "/checkpoint"))


if __name__ == "__main__":
    tf.app.run()
