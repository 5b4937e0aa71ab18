#!/usr/bin/env bash
# Every row of the boards, from nothing: run it from the root of the checkout.
#   DATA  folder with the datasets, the predictions of Q-Bench and weights   [../shared/data]
#   RUNS  folder for the runs                                                [runs/boards]
#   ONLY  "imported" or "own" to do one half                                 [both]
set -euo pipefail
DATA=${DATA:-../shared/data}
RUNS=${RUNS:-runs/boards}
ONLY=${ONLY:-imported own}
export ELIQ_BENCH_WEIGHTS=${ELIQ_BENCH_WEIGHTS:-$DATA/weights}

# Scores of 14 multimodal models and CLIP, as the authors of Q-Bench published them: logit of "good" minus logit of
# "poor". Labels are needed, images are not. LIVE-C is reserved: nothing of ours is ever run on it for a board.
if [[ $ONLY == *imported* ]]; then
  for dataset in agiqa3k koniq10k spaq livec kadid10k; do
    eliq-bench import-scores "$DATA/predictions/qbench_$dataset.csv" --dataset "$dataset" \
      --out "$RUNS/qbench_$dataset" --supervision training-free --data-root "$DATA" \
      --origin "Q-Future/Q-Bench@f19783e, leaderboards/IQA_outputs" --licence "S-Lab 1.0, non-commercial"
    eliq-bench leaderboard add "$RUNS/qbench_$dataset" --replace
  done
fi

# Models and floors that run here, on the datasets whose images are at hand; of BIQ2021 that is a part, named as such.
if [[ $ONLY == *own* ]]; then
  eliq-bench run --datasets agiqa3k,biq2021_part --data-root "$DATA" --out "$RUNS/own" --offline \
    --models "${MODELS:-eliq,niqe,piqe,brisque,jpeg-bytes,sharpness,colorfulness,contrast,luma,prompt-words}"
  eliq-bench leaderboard add "$RUNS/own" --replace
fi

eliq-bench leaderboard render
