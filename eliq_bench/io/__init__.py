"""Files, processes and the network; knows nothing of images' quality."""
