package alerts

// VMAlert returns the arguments of vmalert, without the address that it listens on: the file of
// the rules, and the URLs of VictoriaMetrics and of Alertmanager.
func VMAlert(rules, store, alertmanager string) []string {
	return []string{
		"-rule=" + rules,
		"-datasource.url=" + store,
		// The state of alerts, so that a restart neither forgets nor repeats one.
		"-remoteWrite.url=" + store,
		"-remoteRead.url=" + store,
		"-notifier.url=" + alertmanager,
		"-disableAlertgroupLabel",
		"-loggerLevel=WARN",
	}
}

// Alertmanager returns the arguments of Alertmanager, without the address that it listens on:
// its configuration, and the folder of its data.
func Alertmanager(config, data string) []string {
	return []string{
		"--config.file=" + config,
		"--storage.path=" + data,
		"--data.retention=24h",
		// There is one Alertmanager, so it needs no cluster of them.
		"--cluster.listen-address=",
		"--log.level=warn",
	}
}
