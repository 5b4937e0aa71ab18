"""The critic: a frozen backbone, gated fusion, the Quality Query Transformer, and what a checkpoint holds."""
