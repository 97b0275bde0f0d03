SELECT lane, head, epoch FROM log_lane ORDER BY lane
