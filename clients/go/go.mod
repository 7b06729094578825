module shopalytic

go 1.23
