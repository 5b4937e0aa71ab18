"""The ground floor: files, tables, images, worker processes, the hub. It knows nothing of image quality."""
