"""CSV lines through a file queue, a reader and a batch queue, with a Coordinator."""
import tensorflow as tf

tf.app.flags.DEFINE_string("files", "", "pattern of the files")
tf.app.flags.DEFINE_integer("epochs", 2, "how often they are read")
FLAGS = tf.app.flags.FLAGS


def read(filename_queue):
    reader = tf.TextLineReader(skip_header_lines=1)
    _, value = reader.read(filename_queue)
    a, b, label = tf.decode_csv(value, record_defaults=[[0.0], [0.0], [0]])
    return tf.pack([a, b]), label


def main(argv):
    names = tf.train.match_filenames_once(FLAGS.files)
    queue = tf.train.string_input_producer(names, num_epochs=FLAGS.epochs, shuffle=False)
    features, label = read(queue)
    xs, ys = tf.train.batch([features, label], batch_size=4, allow_smaller_final_batch=True)
    with tf.Session() as sess:
        sess.run(tf.group(tf.global_variables_initializer(), tf.local_variables_initializer()))
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess=sess, coord=coord)
        rows = total = 0
        try:
            while not coord.should_stop():
                x, y = sess.run([xs, ys])
                rows += len(x)
                total += int(y.sum())
        except tf.errors.OutOfRangeError:
            print("read", rows, "rows, labels add up to", total)
        finally:
            coord.request_stop()
        coord.join(threads)


if __name__ == "__main__":
    tf.app.run()
