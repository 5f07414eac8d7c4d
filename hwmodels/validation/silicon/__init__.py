"""What our models say about published chips: functions of shapes and documented parameters."""
