module sender

go 1.23

require shopalytic v0.0.0

replace shopalytic => ../../../../clients/go
