"""Trains a network on IDX files, with flags, summaries and checkpoints, as TensorFlow's tutorial did."""
from __future__ import absolute_import, division, print_function

import argparse
import math
import os.path
import sys
import time

from six_free import xrange
import tensorflow as tf

from tensorflow.examples.tutorials.mnist import input_data

FLAGS = None
NUM_CLASSES = 10


def inference(images, pixels, hidden1_units):
    with tf.name_scope('hidden1'):
        weights = tf.Variable(
            tf.truncated_normal([pixels, hidden1_units], stddev=1.0 / math.sqrt(float(pixels))), name='weights')
        biases = tf.Variable(tf.zeros([hidden1_units]), name='biases')
        hidden1 = tf.nn.relu(tf.matmul(images, weights) + biases)
    with tf.name_scope('softmax_linear'):
        weights = tf.Variable(
            tf.truncated_normal([hidden1_units, NUM_CLASSES], stddev=1.0 / math.sqrt(float(hidden1_units))),
            name='weights')
        biases = tf.Variable(tf.zeros([NUM_CLASSES]), name='biases')
        return tf.matmul(hidden1, weights) + biases


def loss_of(logits, labels):
    labels = tf.to_int64(labels)
    return tf.losses.sparse_softmax_cross_entropy(labels=labels, logits=logits)


def training(loss, learning_rate):
    tf.summary.scalar('loss', loss)
    optimizer = tf.train.GradientDescentOptimizer(learning_rate)
    global_step = tf.Variable(0, name='global_step', trainable=False)
    return optimizer.minimize(loss, global_step=global_step)


def evaluation(logits, labels):
    correct = tf.nn.in_top_k(logits, labels, 1)
    return tf.reduce_sum(tf.cast(correct, tf.int32))


def do_eval(sess, eval_correct, images_pl, labels_pl, data_set):
    true_count = 0
    steps_per_epoch = data_set.num_examples // FLAGS.batch_size
    num_examples = steps_per_epoch * FLAGS.batch_size
    for _ in xrange(steps_per_epoch):
        images, labels = data_set.next_batch(FLAGS.batch_size, FLAGS.fake_data)
        true_count += sess.run(eval_correct, feed_dict={images_pl: images, labels_pl: labels})
    precision = float(true_count) / num_examples
    print('Num examples: %d  Num correct: %d  Precision @ 1: %0.04f' % (num_examples, true_count, precision))


def run_training():
    data_sets = input_data.read_data_sets(FLAGS.input_data_dir, FLAGS.fake_data, validation_size=0)
    pixels = data_sets.train.images.shape[1]
    with tf.Graph().as_default():
        images_pl = tf.placeholder(tf.float32, shape=(FLAGS.batch_size, pixels))
        labels_pl = tf.placeholder(tf.int32, shape=(FLAGS.batch_size))
        logits = inference(images_pl, pixels, FLAGS.hidden1)
        loss = loss_of(logits, labels_pl)
        train_op = training(loss, FLAGS.learning_rate)
        eval_correct = evaluation(logits, labels_pl)
        summary = tf.summary.merge_all()
        init = tf.global_variables_initializer()
        saver = tf.train.Saver()
        sess = tf.Session()
        summary_writer = tf.summary.FileWriter(FLAGS.log_dir, sess.graph)
        sess.run(init)
        for step in xrange(FLAGS.max_steps):
            start_time = time.time()
            images, labels = data_sets.train.next_batch(FLAGS.batch_size, FLAGS.fake_data)
            feed_dict = {images_pl: images, labels_pl: labels}
            _, loss_value = sess.run([train_op, loss], feed_dict=feed_dict)
            duration = time.time() - start_time
            if step % 100 == 0:
                print('Step %d: loss = %.2f (%.3f sec)' % (step, loss_value, duration))
                summary_str = sess.run(summary, feed_dict=feed_dict)
                summary_writer.add_summary(summary_str, step)
                summary_writer.flush()
            if (step + 1) == FLAGS.max_steps:
                saver.save(sess, os.path.join(FLAGS.log_dir, 'model.ckpt'), global_step=step)
                do_eval(sess, eval_correct, images_pl, labels_pl, data_sets.test)


def main(_):
    if tf.gfile.Exists(FLAGS.log_dir):
        tf.gfile.DeleteRecursively(FLAGS.log_dir)
    tf.gfile.MakeDirs(FLAGS.log_dir)
    run_training()


if __name__ == '__main__':
    parser = argparse.ArgumentParser()
    parser.add_argument('--learning_rate', type=float, default=0.5)
    parser.add_argument('--max_steps', type=int, default=301)
    parser.add_argument('--hidden1', type=int, default=32)
    parser.add_argument('--batch_size', type=int, default=50)
    parser.add_argument('--input_data_dir', type=str)
    parser.add_argument('--log_dir', type=str)
    parser.add_argument('--fake_data', default=False, action='store_true')
    FLAGS, unparsed = parser.parse_known_args()
    tf.app.run(main=main, argv=[sys.argv[0]] + unparsed)
