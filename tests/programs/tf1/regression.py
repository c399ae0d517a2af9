"""A line through points, in the style of TensorFlow's first introductions."""
from __future__ import absolute_import, division, print_function

import numpy as np
import tensorflow as tf

x_data = np.random.rand(100).astype(np.float32)
y_data = x_data * 0.1 + 0.3

W = tf.Variable(tf.random_uniform([1], -1.0, 1.0))
b = tf.Variable(tf.zeros([1]))
y = W * x_data + b

loss = tf.reduce_mean(tf.square(y - y_data))
optimizer = tf.train.GradientDescentOptimizer(0.5)
train = optimizer.minimize(loss)
init = tf.initialize_all_variables()

sess = tf.Session()
sess.run(init)
for step in range(201):
    sess.run(train)
    if step % 100 == 0:
        print(step, sess.run(W), sess.run(b))
print("W=%.2f b=%.2f" % (sess.run(W)[0], sess.run(b)[0]))
sess.close()
