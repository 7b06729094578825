-- Support looks customers up by the tracking number of a parcel.
CREATE INDEX shipment_changes_tracking ON shipment_changes (dataset_id, tracking_number)
 WHERE tracking_number IS NOT NULL;
