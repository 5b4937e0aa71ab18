"""What tests share: commands, small data sets, pairs, critics, boards, a browser."""
