#!/bin/bash
# timeout: 60
touch -d '2020-01-02 03:04:05 UTC' f; stat -c %Y f; touch -r f g; stat -c %Y g; touch -c none; ls; touch -m -d @100 f; stat -c %Y f
