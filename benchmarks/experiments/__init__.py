"""Sweeps behind notebooks 06, 09, 10, 12 to 14, too long for them: `make experiments` runs them.

`training.csv` holds descent beside convex training; `prediction.csv` and `denoising.csv` networks
beside classics on ten folds of long signals, `leads.csv` on reconstructed leads of an ECG and
`equaliser.csv` on symbols behind a channel, all of them tuned on grids that grow (`choice.py`);
`digits.csv` and `mnist.csv` gated and ReLU networks and classics on five folds, and
`ten_classes.csv` a proven convolutional network on those folds of digits, all tuned likewise;
`dimensions.csv` ways to choose neurons as the dimension grows; `teacher.csv` SGD beside convex
programs over sampled patterns; `recovery.csv` and `recovery_cones.csv` the recovery of linear
teachers without and with cones; `branches.csv` Adam on deep networks of one variable. All resume.
"""
