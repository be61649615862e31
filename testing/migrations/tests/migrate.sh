#!/bin/sh
# Runs `<binary> migrate`, because the test harness starts programs without arguments.
exec "$PROGRAM" migrate
